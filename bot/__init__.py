"""The official account: protocol, dialogue, outbound calls, media, and the sandbox to try it all in."""
