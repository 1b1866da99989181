"""Marks for callgrind, made by the process that it counts: where counting begins, and its dumps.

valgrind takes such requests as a sequence of instructions that does nothing anywhere else, so they
cost nothing and come at an exact place. It is known here for x86-64 only.
"""

import ctypes
import mmap
from typing import Any

# rax = the address of the request's six words, rdx = the answer without valgrind; then the
# sequence: rdi is rotated by 128 bits in four steps, and rbx exchanged with itself.
_CODE = bytes.fromhex("4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
_IS_THERE = 0x1001
_CALLGRIND = int.from_bytes(b"CT", "big") << 16
_DUMP, _ZERO, _BEGIN = _CALLGRIND, _CALLGRIND + 1, _CALLGRIND + 4


class Marks:
    """Requests to callgrind."""

    def __init__(self) -> None:
        self._page = mmap.mmap(
            -1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
        )
        self._page.write(_CODE)
        code = ctypes.addressof(ctypes.c_char.from_buffer(self._page))
        # Python's lock is kept meanwhile, so that no other thread's work comes in between.
        self._ask: Any = ctypes.PYFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)(code)

    @property
    def under_valgrind(self) -> bool:
        return bool(self._request(_IS_THERE))

    def begin(self) -> None:
        """Begin to count: what ran before was translated only, ten times as fast."""
        self._request(_BEGIN)
        self._request(_ZERO)

    def dump(self) -> None:
        """Write what was counted since the last dump, one file for each thread, and begin anew."""
        self._request(_DUMP)

    def _request(self, code: int) -> int:
        words = (ctypes.c_uint64 * 6)(code)
        return self._ask(ctypes.addressof(words))
