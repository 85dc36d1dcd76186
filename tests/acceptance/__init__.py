"""What the original clients' own test suites assume of a server (client-wire-facts 13 and 16, 7x-facts 23).

Each assumption is tested in the order in which its suite calls, with parameters as its client sends them. Assumptions
that have a test elsewhere are left to it:

=====================================================  ==========================================================
event streams (7x-facts 18)                            ``tests/api/test_event.py``, ``tests/clients/test_js_events.py``
order and states of jobs (7x-facts 17.2)               ``tests/jobs``
rights of several authors (7x-facts 12, 13)            ``tests/repository``
partial pools, lost projects (client-wire-facts 6)     ``tests/api/test_project_pool.py``, ``tests/crash``
busy projects (7x-facts 2.4)                           ``tests/api/test_project_holds.py``
cookies and tokens (client-wire-facts 4)               ``tests/api/test_sessions.py``
input and external helpers (client-wire-facts 15)      ``tests/grid/r``, ``tests/api/test_external_data.py``
exact bytes of each client (client-wire-facts 1 to 3)  ``tests/recordings``
=====================================================  ==========================================================
"""
