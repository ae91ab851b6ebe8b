"""A fake Slack for a gateway in another process: `python -m tests.fakes.slack --port 9000`.

There are the people ann (an admin) and bob, the channel dev and ann's direct messages ("ann");
`tests.fakes.slack.control` says how to move them. The settings to start the gateway with are the
first line of the output, as JSON.
"""

import argparse
import asyncio
import json
import sys

from tests.fakes.slack.control import routes
from tests.fakes.slack.server import APP_TOKEN, BOT_TOKEN
from tests.fakes.slack.workspace import SECRET, Slack


async def serve(port: int, app_url: str, *, socket_mode: bool) -> None:
    """Until interrupted."""
    async with Slack.running(port=port, control=routes) as slack:
        slack.app_url = app_url
        slack.world.add_user("ann", {"is_admin": True})
        slack.world.add_user("bob")
        slack.world.add_channel("dev")
        slack.world.add_channel("ann", kind="im")
        settings = {
            "GRYPH_SLACK_API_URL": slack.api_url,
            "GRYPH_SLACK_BOT_TOKEN": BOT_TOKEN,
            "GRYPH_SLACK_SIGNING_SECRET": SECRET,
        }
        if socket_mode:
            settings["GRYPH_SLACK_APP_TOKEN"] = APP_TOKEN
        sys.stdout.write(json.dumps(settings) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="A fake Slack on loopback")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--app-url", default="", help="where the gateway listens")
    parser.add_argument("--socket-mode", action="store_true")
    given = parser.parse_args()
    asyncio.run(serve(given.port, given.app_url, socket_mode=given.socket_mode))


if __name__ == "__main__":
    main()
