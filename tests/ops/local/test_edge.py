"""The edge of one's own machine serves the pages of now, also when it has run for long."""

from pathlib import Path

import pytest

from ops.local.edge import build_again


def test_pages_that_have_changed_are_built_again_and_others_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_again(tmp_path)
    first = tmp_path / "pages" / "index.html"
    (tmp_path / "pages" / "left-alone").touch()
    was = first.read_text()
    build_again(tmp_path)
    assert (tmp_path / "pages" / "left-alone").exists()
    for module in ("ops.local.edge", "pages.build"):
        monkeypatch.setattr(f"{module}.version_of", lambda _: "another")
    build_again(tmp_path)
    assert not (tmp_path / "pages" / "left-alone").exists()
    assert "/assets/another/" in first.read_text()
    assert "/assets/another/" not in was
