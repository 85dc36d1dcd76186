"""What runs in Python sessions, and in the warm parent that they are forked from.

The interpreter is the one configured, and need not have anything that the server has: only the standard library is
imported here, and what else there is (numpy, pandas, matplotlib, dill) is used when it is installed. ``launch.py``
loads the package under a name of its own, so modules import each other relatively.

A session speaks what Rserve speaks in object-capability mode (:mod:`deployr.grid.rserve`): it greets with a capability,
is called with it, sends the outcome of an execution out of band, and then the value. Console text does not come this
way: standard output and standard error are a pipe that the grid reads.
"""
