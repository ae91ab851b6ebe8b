"""GitHub on a loopback port: its REST API for Apps, its rules and limits, its webhooks, on real
git repositories.
"""
