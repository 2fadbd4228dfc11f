"""Random walks through the lives of cases: `python -m tests.walks` takes as many steps as one likes."""
