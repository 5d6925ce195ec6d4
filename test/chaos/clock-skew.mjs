// Loaded into a service with --import: shifts Date by CHAOS_SKEW_MS. Timers are not affected.
const skewMs = Number(process.env.CHAOS_SKEW_MS ?? 0);
const RealDate = Date;

class SkewedDate extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + skewMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + skewMs;
  }
}

if (skewMs !== 0) globalThis.Date = SkewedDate;
