import pytest

from storage.feedback import emoji_value


@pytest.mark.parametrize(
    "emoji",
    [
        *("+1", ":+1:", "thumbsup", "thumbsup::skin-tone-3", "+1::skin-tone-6", "tada", "heart"),
        *("👍", "👍🏽", "👍🏿", "❤", "❤️", "🎉", "🚀", "👏🏻"),
        *("hooray", "rocket", "THUMBS_UP", "HEART", "HOORAY"),
    ],
)
def test_praise_is_understood_from_every_platform(emoji: str) -> None:
    assert emoji_value(emoji) == 1


@pytest.mark.parametrize(
    "emoji",
    ["-1", ":-1:", "thumbsdown::skin-tone-2", "👎", "👎🏻", "confused", "😕", "THUMBS_DOWN"],
)
def test_blame_is_understood_from_every_platform(emoji: str) -> None:
    assert emoji_value(emoji) == -1


@pytest.mark.parametrize(
    "emoji", ["eyes", "👀", "laugh", "LAUGH", "party_parrot", "", ":", "🏽", "+10"]
)
def test_any_other_emoji_is_no_vote(emoji: str) -> None:
    assert emoji_value(emoji) is None
