"""Follows a thread with the `websockets` package of Python, leaves in the middle, and resumes from its cursor."""

import asyncio
import json
import sys

import websockets


async def follow(url, token, stream, after, until, report):
    """Applies what follows `after`, up to `until`; returns the last position applied."""
    applied = after
    async with websockets.connect(url, subprotocols=["holdfast.v1"]) as socket:
        subscription = {"stream": stream, "after": applied}
        await socket.send(
            json.dumps({"type": "hello", "auth": token, "instance": "python", "subs": [subscription]})
        )
        async for text in socket:
            frame = json.loads(text)
            if frame["type"] == "ping":
                await socket.send(json.dumps({"type": "pong", "n": frame["n"]}))
            if frame["type"] == "live":
                report({"live": frame["at"]})
            if frame["type"] != "ev":
                continue
            for item in frame["items"]:
                applied = item["seq"]
                report({"seq": applied})
                if applied == until:
                    return applied
            await socket.send(json.dumps({"type": "ack", "stream": stream, "seq": applied}))


def report(line):
    print(json.dumps(line), flush=True)


async def main(url, token, stream, cut, last):
    cursor = await follow(url, token, stream, 0, cut, report)
    report({"cut": cursor})
    await follow(url, token, stream, cursor, last, report)


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
