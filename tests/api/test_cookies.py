"""Our cookies are read as they were set."""

import pytest

from api.web_base.cookies import value_in

READ = {
    "twtc_refresh=7.abc-_": "7.abc-_",
    "other=1; twtc_refresh=7.abc; more=2": "7.abc",
    "other=1;twtc_refresh = 7.abc ;more": "7.abc",
    "twtc_refresh=first; twtc_refresh=second": "first",
    "twtc_refresh=a=b=": "a=b=",
    "xtwtc_refresh=7; twtc_refreshx=8": "",
    "twtc_refresh": "",
    "": "",
    ";;; =; twtc_refresh=": "",
    'twtc_refresh="7"': '"7"',
}


@pytest.mark.parametrize("header", READ)
def test_a_cookie_is_found_by_its_name(header: str) -> None:
    assert value_in(header, "twtc_refresh") == READ[header]
