/** The part of ELK's JSON that is used here. */

export interface ElkPoint {
  readonly x: number;
  readonly y: number;
}

interface ElkShape {
  readonly x?: number;
  readonly y?: number;
  readonly width?: number;
  readonly height?: number;
}

export interface ElkNode extends ElkShape {
  readonly id: string;
  readonly layoutOptions?: Readonly<Record<string, string>>;
  readonly children?: readonly ElkNode[];
  readonly edges?: readonly ElkEdge[];
}

export interface ElkEdge {
  readonly id: string;
  readonly sources: readonly string[];
  readonly targets: readonly string[];
  readonly labels?: readonly (ElkShape & { readonly text?: string })[];
  /** Only in what comes back. */
  readonly sections?: readonly ElkSection[];
}

export interface ElkSection {
  readonly startPoint: ElkPoint;
  readonly endPoint: ElkPoint;
  readonly bendPoints?: readonly ElkPoint[];
}
