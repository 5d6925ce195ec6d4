-- Longer than any claim, ms: another program has set one that is longer.
local LONGEST_CLAIM_MS = 600000
