"""`pointsman mcp`: read-only tools for agents, by the Model Context Protocol over stdio.

Rule 1  No tool changes or sends anything: each reads a running Pointsman over HTTP, or the ledger
        and the policy files.
Rule 2  An answer is bounded, says what it leaves out, and has no text of a request or an answer.
Rule 3  Text from outside is data: it is in JSON alone, one line each, without control characters.
Rule 4  Standard output carries the protocol; everything else goes to standard error.

Only `pipe` and `server` load the SDK, which is an extra.
"""
