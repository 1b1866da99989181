import pytest

from app.errors import ServiceError
from app.units.facts import Facts


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"program": "/a\nExecStartPre=/bin/evil"}, "the path of the program"),
        ({"folder": "/a\x00"}, "the path of the folder"),
        ({"environment": (("XDG_STATE_HOME", "/a\tb"),)}, "XDG_STATE_HOME"),
    ],
)
def test_no_value_can_begin_another_line_of_a_unit(changed: dict[str, str], named: str) -> None:
    plain = {"program": "/p", "folder": "/f", "log": "/l", "stop_seconds": 1}
    with pytest.raises(ServiceError, match=named):
        Facts(**{**plain, **changed})  # type: ignore[arg-type]
