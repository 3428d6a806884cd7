/** Names with their values, as each card of the status page lists them. */

export type Row = readonly [name: string, value: string];

export function Rows({ rows }: { rows: readonly Row[] }) {
  return (
    <dl>
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
