# SPDX-License-Identifier: BSD-2-Clause
#
# `make hostile SEEDS=1-20`: every attack of the hostile guest with each of these
# seeds, in both paging modes. Ends with how many of the runs Gnomon survived.

# SEEDS has a default of its own in other fragments.
SEEDS_GIVEN = $(filter command environment,$(firstword $(origin SEEDS)))

.PHONY: hostile
hostile: $(BUILD)/gnomon.bin $(GUEST_BUILD)/hostile.bin
	$(Q)nice -n 10 guests/hostile/hostile.py --seeds $(if $(SEEDS_GIVEN),$(SEEDS),1-20)
