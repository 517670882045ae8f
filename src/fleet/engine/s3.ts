/**
 * Large texts in a bucket, by the protocol of S3: put, get, list, delete, signed by `aws4fetch`. Credentials and region are those of the environment, as in all tools of
 * AWS; `AWS_ENDPOINT_URL_S3` names another store of that protocol.
 */
import type { AwsClient } from 'aws4fetch'
import { because, InvalidOption } from '../../base/errors.ts'
import { FleetRefused, FleetUnavailable } from '../protocol/errors.ts'
import type { BlobStore } from './blob-store.ts'

/** Chosen: 4 MB arrive in seconds; what takes longer than a minute is stuck. */
const timeoutMs = 60_000
const retries = 4
const deletedAtOnce = 16

const defaultRegion = 'us-east-1'
const bucketRule = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/

interface Place {
  /** Address of the bucket. */
  readonly bucket: string
  /** What all keys begin with. */
  readonly prefix: string
  readonly region: string
}

/**
 * @param checkName throws for a name that heddle does not give @param pageKeys keys of one page of a list
 * @throws {InvalidOption} for an address that names no bucket
 */
export function s3Store(url: string, space: string, checkName: (name: string) => void, pageKeys = 1_000): BlobStore {
  const place = placeOf(url, space)
  let client: Promise<AwsClient> | undefined
  const ask = async (method: string, path: string, body?: string): Promise<Response> => {
    const aws = await (client ??= open(place.region))
    let response: Response
    try {
      response = await aws.fetch(`${place.bucket}/${path}`, {
        method,
        ...(body !== undefined && { body }),
        signal: AbortSignal.timeout(timeoutMs),
      })
    } catch (cause) {
      throw new FleetUnavailable(`The blob store ${place.bucket} cannot be reached${because(cause)}`, { cause })
    }
    if (response.ok) return response
    const [, code = ''] = /<Code>([^<]*)<\/Code>/.exec(await response.text()) ?? []
    throw new FleetRefused(`The blob store ${place.bucket} answers ${response.status} ${code} to ${method}`, {
      hint: 'The bucket must exist, and the credentials of the environment may put, get, list and delete in it.',
    })
  }
  const keyOf = (name: string): string => {
    checkName(name)
    return `${place.prefix}${name}`
  }
  /** Every page of a list. */
  const list = async (prefix: string, tag: 'Key' | 'Prefix', more = ''): Promise<string[]> => {
    const found: string[] = []
    for (let token: string | undefined = ''; token !== undefined;) {
      const query = `list-type=2&max-keys=${pageKeys}&prefix=${encodeURIComponent(prefix)}${more}`
      const text = await (await ask('GET', `?${query}${token && `&continuation-token=${encodeURIComponent(token)}`}`)).text()
      for (const [, each, value = ''] of text.matchAll(/<(Key|Prefix)>([^<]*)<\/\1>/g)) if (each === tag) found.push(plain(value))
      token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1]
      if (token !== undefined) token = plain(token)
    }
    return found
  }
  return {
    async put(name, text) {
      await (await ask('PUT', keyOf(name), text)).arrayBuffer()
    },
    async get(name) {
      return (await ask('GET', keyOf(name))).text()
    },
    async drop(run) {
      checkName(`${run}/x`)
      const keys = await list(`${place.prefix}${run}/`, 'Key')
      while (keys.length > 0) await Promise.all(keys.splice(0, deletedAtOnce).map((key) => ask('DELETE', key)))
    },
    async runs() {
      const { prefix } = place
      const folders = await list(prefix, 'Prefix', '&delimiter=%2F')
      return folders
        .filter((folder) => folder.startsWith(prefix) && folder !== prefix)
        .map((folder) => folder.slice(prefix.length, -1))
    },
  }
}

function placeOf(url: string, space: string): Place {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/?#]*)\/?([^?#]*)$/.exec(url) ?? []
  if (!bucketRule.test(bucket) || !/^[\w./-]*$/.test(path) || path.split('/').includes('..'))
    throw new InvalidOption(`Expected \`blobs\` to be a URL such as s3://bucket/folder, got ${JSON.stringify(url)}`)
  const { env } = process
  const region = env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'] ?? defaultRegion
  const endpoint = env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL']
  const folder = path.replace(/^\/|\/$/g, '')
  return {
    bucket: endpoint === undefined ? `https://${bucket}.s3.${region}.amazonaws.com` : `${endpoint.replace(/\/$/, '')}/${bucket}`,
    prefix: `${folder === '' ? '' : `${folder}/`}${space}/`,
    region,
  }
}

async function open(region: string): Promise<AwsClient> {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = process.env
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new FleetRefused('There are no credentials for the blob store', {
      hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
    })
  let aws: typeof import('aws4fetch')
  try {
    aws = await import('aws4fetch')
  } catch (cause) {
    throw new FleetRefused('A blob store on S3 needs the package aws4fetch', { cause, hint: 'npm install aws4fetch' })
  }
  return new aws.AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken !== undefined && { sessionToken }),
    region,
    service: 's3',
    retries,
  })
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const plain = (text: string): string => text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name] ?? '')
