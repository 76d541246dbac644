# SPDX-License-Identifier: MIT
"""rawcap in a booted kernel: the scenarios of this folder, in an order that ends with the end."""

import sys

import clocks
import ending
import interfaces
import links
import surroundings
import traffic
import vlans
from harness import main

SUBJECTS = (traffic, vlans, links, interfaces, surroundings, clocks, ending)

if __name__ == "__main__":
    sys.exit(main([scenario for subject in SUBJECTS for scenario in subject.SCENARIOS], *sys.argv[1:]))
