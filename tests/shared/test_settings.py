"""What settings tell when they are wrong."""

import pytest
from pydantic import ValidationError

from shared.runtime.settings import Settings


def test_wrong_settings_are_told_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPU_ORGANISER_KEY", "too-short")
    monkeypatch.delenv("KEPU_TOKEN_PUBLIC_KEY", raising=False)
    with pytest.raises(ValidationError) as found:
        Settings()
    assert "organiser_key" in str(found.value)
    assert "token_public_key" in str(found.value)
    assert "too-short" not in str(found.value)
