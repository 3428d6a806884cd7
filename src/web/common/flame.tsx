/** The mark of hearth. */
export function Flame() {
  return (
    <svg viewBox="0 0 24 24" width="26" height="26" aria-hidden="true" class="flame">
      <path d="M12 2c1 4-4 6-5 10a6 6 0 0 0 5 10 6 6 0 0 0 5-10c-.6-2-1.700-2.600-1.600-4.600-1.400.6-2 1.600-2.100 3C12.400 8 13.500 5 12 2z" />
      <path
        class="core"
        d="M12 13c.4 1.600-1.900 2.300-1.900 4.500a1.900 1.900 0 0 0 3.800 0c0-1.700-1.300-2.500-1.900-4.500z"
      />
    </svg>
  );
}
