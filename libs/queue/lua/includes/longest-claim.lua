-- Longer than any claim, ms: another program has set one that is longer.
local LONGEST_MS = 600000
