/** What `mtls init` writes. A test applies it. */
export const configTemplate = `# Mutual TLS for your services: who they are, and what their certificates look like.
# Every key and its default: \`mtls schema --reference\`. Relative paths count from this file.

# The domain that all names lie in. It is recorded at the first apply; another one is another mesh.
trust_domain: service.internal

# The members, by name. Each becomes NAME.service.internal with a certificate of its own, in
# certs/NAME.crt and certs/NAME.key. Nobody else gets in.
services:
  api:
    # Who may call it: members (everyone here, the default), or a list of names.
    allow: members
    # Where callers find it; without it, its name is looked up in DNS.
    address: "127.0.0.1:9443"
  worker:
    allow: [api]

certificates:
  # Renewed by \`mtls up\` at two thirds of their life.
  validity_days: 90
  # ecdsa-p256 is quick and understood everywhere; rsa (with key_size), ecdsa-p384, ed25519 and ml-dsa-65 are there too.
  key_algorithm: ecdsa-p256
  organization: "My Organization"
  country: "US"

paths:
  # Give this one to everybody.
  ca_cert: certs/ca.crt
  # The root's key, encrypted. It and the folder .mtls beside it are for the authority alone.
  ca_key: certs/ca.key

# authority:
#   # The passphrase of the CA keys, in a file that only the authority can read (0600), kept elsewhere than the keys.
#   # Without it the first apply makes one beside them, and \`mtls status\` says so.
#   passphrase_file: /etc/mtls/passphrase

# Overlays: \`--env staging\` merges this over the file.
# environments:
#   staging:
#     services:
#       api: { address: "10.0.0.5:9443" }
`
