"""The hostile half of the canary: runs inside the jail and tries what must not work."""
