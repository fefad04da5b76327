"""``python -m studioflow`` is the ``studioflow`` command."""

import sys

from .cli import main

sys.exit(main())
