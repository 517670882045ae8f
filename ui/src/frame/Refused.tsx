/** When there is nothing to show: no token, a wrong one, a damaged report. */
export function Refused({ reason }: { readonly reason: string }) {
  // A report in one file has no server, and needs no token.
  const served = location.protocol.startsWith('http')
  return (
    <div class="refused" role="alert">
      <h1>heddle cannot show this</h1>
      <p>{reason}</p>
      {served && (
        <p class="muted">
          The page needs the token of the address that <code>heddle run --ui</code> or <code>heddle ui FILE</code> printed. Open
          that address again; each start has a new one.
        </p>
      )}
    </div>
  )
}
