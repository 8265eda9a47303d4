"""What a compliant Trust Center answers: pure functions from what it knows to a `Plan`.

Each is called several times for one cause, with the policy as written and as behaviours amend it,
so whatever is drawn or looked up is drawn and looked up before. Joins through a router, rejoin and
application link keys become modules beside these.
"""
