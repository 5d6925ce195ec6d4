// Loaded into a service with --import: its wall clock goes wrong by CHAOS_SKEW_MS; its timers do not.
const skewMs = Number(process.env.CHAOS_SKEW_MS ?? 0);
const RightDate = Date;

class SkewedDate extends RightDate {
  constructor(...given) {
    if (given.length === 0) super(RightDate.now() + skewMs);
    else super(...given);
  }

  static now() {
    return RightDate.now() + skewMs;
  }
}

if (skewMs !== 0) globalThis.Date = SkewedDate;
