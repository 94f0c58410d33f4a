/** What queries list beside connections. */

/** A group and how many members it has here. */
export interface GroupInfo {
  readonly group: string;
  readonly count: number;
}

/** A name and the id of the connection that is stored under it. */
export interface StoredNameInfo {
  readonly name: string;
  readonly connection: string;
}
