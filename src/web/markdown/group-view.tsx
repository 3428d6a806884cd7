/**
 * A group of blocks. One that is out of sight is made when somebody comes near it or the page has nothing to do, and is laid out when it
 * comes into sight.
 */
import { Component, createRef } from "preact";
import { whenIdle } from "../common/idle.js";
import { whenFar, whenNear } from "../common/near.js";
import { renderNow } from "../common/render-now.js";
import { BlockView } from "./block-view.js";
import type { BlockGroup } from "./groups.js";

interface GroupProps {
  readonly group: BlockGroup;
  /** Its blocks so far: a change of the group alone would not be seen. */
  readonly count: number;
  /** Made at once. */
  readonly isUrgent: boolean;
}

interface GroupState {
  /** Its blocks are on the page. */
  readonly isMade: boolean;
  /** Nothing of it is in sight. The browser knows its size by then, so that nothing moves when it is not laid out any more. */
  readonly isFar: boolean;
}

export class GroupView extends Component<GroupProps, GroupState> {
  override state = { isMade: this.props.isUrgent, isFar: !this.props.isUrgent };
  readonly #place = createRef<HTMLDivElement>();
  #ends: (() => void)[] = [];

  override componentDidMount(): void {
    const place = this.#place.current;
    if (this.state.isMade || !place) this.#waitUntilFar();
    else this.#ends = [whenNear(place, () => this.#make()), whenIdle(() => this.#make())];
  }

  override componentDidUpdate(): void {
    this.#waitUntilFar();
  }

  override componentWillUnmount(): void {
    for (const end of this.#ends) end();
    this.#ends = [];
  }

  #make(): void {
    this.componentWillUnmount();
    renderNow(() => this.setState({ isMade: true }));
  }

  #waitUntilFar(): void {
    const place = this.#place.current;
    if (!this.props.group.isFull || this.state.isFar || this.#ends.length > 0 || !place) return;
    this.#ends = [whenFar(place, () => this.setState({ isFar: true }))];
  }

  override shouldComponentUpdate({ group, count }: GroupProps, { isMade, isFar }: GroupState): boolean {
    return (
      group !== this.props.group ||
      count !== this.props.count ||
      isMade !== this.state.isMade ||
      isFar !== this.state.isFar
    );
  }

  override render({ group: { blocks } }: GroupProps, { isMade, isFar }: GroupState) {
    return (
      <div ref={this.#place} class={`group${isFar ? " far" : ""}${isMade ? "" : " waiting"}`}>
        {isMade && blocks.map((block, i) => <BlockView key={i} block={block} isGrowing={false} />)}
      </div>
    );
  }
}
