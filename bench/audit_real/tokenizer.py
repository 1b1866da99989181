"""The model's byte-pair encoding, from the vocabulary in its file."""

from itertools import pairwise

import regex

# GPT-2's splitting, with each digit by itself.
_WORDS = regex.compile(
    r"\p{N}|'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", regex.UNICODE
)
SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
END = "<|im_end|>"


def _alphabet() -> list[str]:
    """GPT-2's letter for each byte: printable bytes are themselves, the others lie beyond 255."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte if byte in plain else next(others)) for byte in range(256)]


class Tokenizer:
    def __init__(self, tokens: list[str], merges: list[str]) -> None:
        self.tokens = tokens
        self.ids = {token: number for number, token in enumerate(tokens)}
        self.ranks = {tuple(pair.split(" ")): rank for rank, pair in enumerate(merges)}
        self.letters = _alphabet()
        self.bytes = {letter: byte for byte, letter in enumerate(self.letters)}
        self.end = self.ids[END]

    def chat(self, prompt: str, system: str = SYSTEM) -> list[int]:
        """The tokens of a conversation of one message, up to where the answer begins."""
        start, end, line = self.ids["<|im_start|>"], [self.end], self.encode("\n")
        parts = (("system\n", system), ("user\n", prompt))
        ids = [
            number
            for role, text in parts
            for number in (start, *self.encode(role + text), *end, *line)
        ]
        return [*ids, start, *self.encode("assistant\n")]

    def encode(self, text: str) -> list[int]:
        return [
            self.ids[part]
            for word in _WORDS.findall(text)
            for part in self._merged([self.letters[byte] for byte in word.encode()])
        ]

    def _merged(self, parts: list[str]) -> list[str]:
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            best = min(pairs, key=lambda pair: self.ranks.get(pair, 1 << 30))
            if best not in self.ranks:
                return parts
            at = pairs.index(best)
            parts = [*parts[:at], "".join(best), *parts[at + 2 :]]
        return parts

    def decode(self, ids: list[int]) -> str:
        letters = "".join(self.tokens[number] for number in ids)
        raw = bytes(self.bytes.get(letter, 63) for letter in letters)
        return raw.decode("utf-8", "replace")
