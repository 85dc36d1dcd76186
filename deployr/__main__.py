"""``python -m deployr``."""

from deployr.cli import main

raise SystemExit(main())
