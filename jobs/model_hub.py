"""Fetches a model from the hub, once; only formats that run no code when they are read."""

from importlib import import_module
from pathlib import Path
from typing import Any

from storage.model_addresses import BadModel
from storage.model_folders import hub_folder, read_folder

_WANTED = ("*.json", "*.safetensors", "tokenizer.model", "*.txt", "*.jinja")


def fetched(hub_id: str, cache: Path, token: str | None) -> Path:
    """The folder of the model on this machine, fetched where it is not there yet.

    What was fetched once is used as it is: the hub is not asked again.

    Raises:
        BadModel: It cannot be had, with the remedy.
    """
    kept = hub_folder(cache, hub_id)
    if kept is not None and _is_whole(kept):
        return kept
    name, _, revision = hub_id.partition("@")
    hub: Any = import_module("huggingface_hub")
    errors: Any = import_module("huggingface_hub.errors")
    try:
        return Path(
            hub.snapshot_download(
                name,
                revision=revision or None,
                cache_dir=cache,
                token=token,
                allow_patterns=list(_WANTED),
            )
        )
    except errors.GatedRepoError as error:
        raise BadModel(
            f"{name} is given out after its terms were accepted: do so on the hub, then register "
            "it with a token of that account (--key-file)."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise BadModel(f"{name} has no revision {revision!r} on the hub.") from error
    except errors.RepositoryNotFoundError as error:
        raise BadModel(
            f"The hub knows no model {name}, or does not show it without a token (--key-file)."
        ) from error
    except (OSError, ValueError, errors.HfHubHTTPError.__base__) as error:
        raise BadModel(
            f"{name} cannot be fetched from the hub ({type(error).__name__}). Without a network "
            "copy its folder to this machine and register that: `gryph model add NAME --local DIR`."
        ) from error


def _is_whole(folder: Path) -> bool:
    try:
        read_folder(folder)
    except BadModel:
        return False
    return True
