"""Reading a checkout, and checking one out the way most tests do."""

from pathlib import Path

from storage.checkouts import Checked, CheckoutPolicy, CheckoutSource, checkout


def never() -> bool:
    """A caller who never cancels."""
    return False


def files_of(root: Path) -> dict[str, str]:
    """Every file by its path; of a link, where it leads."""
    return {
        str(path.relative_to(root)): (
            f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        )
        for path in sorted(root.rglob("*"))
        if path.is_symlink() or not path.is_dir()
    }


def take(source: CheckoutSource, policy: CheckoutPolicy, tmp_path: Path) -> Checked:
    """Check out into a fresh folder of `tmp_path`."""
    return checkout(source, tmp_path / "job" / "code", policy, stop=never)
