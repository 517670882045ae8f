/** SARIF 2.1.0, which code hosts show beside the lines of a change (docs.oasis-open.org/sarif/sarif/v2.1.0). */
import type { CodeFinding } from '../../findings/finding.ts'

const levels = { proven: 'warning', likely: 'note', info: 'none' } as const

/** `findings` as a SARIF 2.1.0 document. `version` is that of heddle. Never throws. */
export function sarif(findings: readonly CodeFinding[], version: string): string {
  const rules = [...new Set(findings.map(({ rule }) => rule))].toSorted()
  return JSON.stringify(
    {
      $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'heddle find', version, rules: rules.map((id) => ({ id })) } },
          results: findings.map((finding) => ({
            ruleId: finding.rule,
            level: levels[finding.tier],
            message: {
              text: [finding.message, ...finding.proof, finding.question ?? '', finding.remedy]
                .filter((line) => line !== '')
                .join('\n'),
            },
            partialFingerprints: { heddleFinding: finding.id },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: finding.file.replaceAll('\\', '/') },
                  region: { startLine: finding.line, startColumn: finding.column, endLine: finding.endLine },
                },
              },
            ],
          })),
        },
      ],
    },
    null,
    2,
  )
}
