"""Set every model beside what was published of it: ``python -m tests.published [quick] [FOLDER]`` writes a page of tables and plots."""

import sys

from tests.published.page import main

if __name__ == "__main__":
    main(sys.argv[1:])
