import packageJson from '../../../package.json' with { type: 'json' };

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

/** The image that deploy/Dockerfile builds, as the tutorials name it. */
export const DEFAULT_IMAGE = `dialhook:${packageJson.version}`;
