export function Logo() {
  return (
    <a class="logo" aria-label="heddle">
      <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
        <path d="M3 2v16M10 2v16M17 2v16" />
        <path class="weft" d="M1 6.5h5.2M13.8 6.5H19M6.8 10h6.4M1 13.5h5.2M13.8 13.5H19" />
      </svg>
      heddle
    </a>
  )
}
