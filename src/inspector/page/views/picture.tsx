/** A picture with its table view: each shows all that the other does, and one chooses. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

interface PictureProperties {
  readonly title: string;
  readonly level?: 2 | 3;
  readonly picture: () => ComponentChildren;
  readonly table: () => ComponentChildren;
  readonly aside?: ComponentChildren;
}

export function Picture({ title, level = 2, picture, table, aside }: PictureProperties) {
  const [isTable, choose] = useState(false);
  const Heading = `h${level}` as const;
  return (
    <section class="panel" aria-label={title}>
      <div class="panel-head">
        <Heading>{title}</Heading>
        {aside}
        <button type="button" class="quiet" aria-pressed={isTable} onClick={() => choose(!isTable)}>
          Table<span class="hidden"> instead of the picture: {title}</span>
        </button>
      </div>
      {isTable ? table() : picture()}
    </section>
  );
}
