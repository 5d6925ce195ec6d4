/** A file that `dialhook init` writes. */
export interface OutputFile {
  readonly name: string;
  readonly text: string;
  /** Only the owner may read it. */
  readonly secret: boolean;
}

/** The image of the services, REPOSITORY:TAG. */
export interface Image {
  readonly repository: string;
  readonly tag: string;
}
