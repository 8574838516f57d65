"""Write the tables of the documents, or check them."""

import sys
from collections.abc import Sequence

from ops.documents.sections import outdated, write


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code."""
    match arguments:
        case []:
            for document in write():
                print(f"{document} written")
        case ["check"]:
            wrong = outdated()
            print("\n".join(wrong) or "the documents are up to date")
            return 1 if wrong else 0
        case _:
            print("python -m ops.documents [check]")
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
