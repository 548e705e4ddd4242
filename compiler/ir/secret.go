package ir

// Makers of Secrets.
const (
	ExternalSecrets = "external-secrets" // from an ExternalSecret of the tree
	CertManager     = "cert-manager"     // from a Certificate of the tree
	ByHand          = "by hand"          // somebody brings it before its consumers
)

// Secret is one Kubernetes Secret that the tree refers to by name. Its values are never part of the plan.
type Secret struct {
	Namespace   string
	Name        string
	Type        string   // kubernetes.io/basic-auth, kubernetes.io/tls or Opaque
	Labels      []KV     // by which its consumers find it; none where they know its name
	Annotations []KV     // that its consumers read
	Keys        []string // that its consumers read, sorted
	Make        string   // shell command that writes the file of its one key; "": nobody can write it here
	Consumers   []string // "BGPPeer metallb-system/r1-a", "switch <host name>"; in the order in which they are printed
	Creator     string   // ExternalSecrets, CertManager or ByHand
	Issuer      string   // ClusterIssuer of cert-manager; "" for other creators
	Local       bool     // Issuer is an Issuer of the tree, in the same namespace
	Early       bool     // cert-manager makes it before anything of the mesh is installed
	First       bool     // the pod network reads it: nothing that runs in pods can make it
	Late        bool     // it can be made when another site runs, and nothing of this one waits for it
	Object      string   // name of the Certificate; "": that of the Secret
	Store       string   // ClusterSecretStore of external-secrets; "" for other creators
	RemoteKey   string   // in the store: prefix + namespace + "/" + name, with one property a key; "" for other creators
	Why         string   // what it is for and what waits for it, a sentence
	From        From
}
