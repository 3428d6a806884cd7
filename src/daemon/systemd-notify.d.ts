/** The package brings no types: https://github.com/nmorsman/node-systemd-notify */
declare module "systemd-notify" {
  /** Runs the program systemd-notify; rejects when it cannot be run or fails. */
  export default function notify(options: { ready?: true; status?: string; pid?: number }): Promise<unknown>;
}
