package ir

// Kinds of delivery.
const (
	Kustomize = "kustomize" // people, with install.sh or helmfile and kubectl
	ArgoCD    = "argocd"
	Flux      = "flux"
)

// ArgoNamespace is where Argo CD and its Applications stand, by its own installation manifests.
const ArgoNamespace = "argocd"

// FluxNamespace is where Flux and its objects stand, by its own installation manifests.
const FluxNamespace = "flux-system"

// FluxName is the name of the objects of Flux that read the tree: a cluster is one site, and has one of each.
const FluxName = "meshgen"

// Delivery is how the tree reaches the cluster: what is installed after what, and where Argo CD reads the tree.
type Delivery struct {
	Kind       string // Kustomize, ArgoCD or Flux
	Repository string // URL of the Git repository that holds the tree; "" when the site names none
	Revision   string // branch or tag
	Reference  string // the same as a name of Git, "refs/heads/main"
	Secret     string // with what Flux may read the repository; "" where everybody may
	Path       string // of the tree in the repository
	Bundle     *Bundle
	Phases     []DeliveryPhase // in the order of installation
	From       From
}

// Bundle is a set of CRDs that its project publishes and no chart brings: those of the Gateway API.
type Bundle struct {
	Version  string   // "1.6.3"
	Phase    string   // that brings it, before its charts: "crds", or "network" where who comes with it looks for the kinds as it starts
	Channel  string   // standard or experimental
	Manifest string   // URL of the release's manifest
	Source   string   // URL of the Git repository that has the same
	Revision string   // its tag
	Path     string   // of the kustomization in it
	CRDs     []string // that must be established before an object of theirs is applied
	From     From
}

// DeliveryPhase is one stage of the installation: its charts, then its folder of the overlay, then what it waits for.
type DeliveryPhase struct {
	Name   string // "mesh": what install.sh takes
	Number int    // of its folder, "20-mesh"; below zero for a phase that has none
	Doc    string // what it brings, for people
	Charts []ChartStep
	Waits  []Wait // after its folder
	Anew   []Anew // after these: what its own controller does not bring up to date by itself
	ByHand bool   // Argo CD shows it and leaves it alone: install.sh applies it
	Prune  bool   // Argo CD deletes objects of its folder that left the tree
	From   From   // what decides that there is such a phase; empty for those of every site
}

// Anew is a Deployment that its controller writes anew when it has other than so many pods, and leaves alone else.
type Anew struct {
	Namespace, Deployment string
	Replicas              int
	From                  From
}

// ChartStep is one chart release in its phase.
type ChartStep struct {
	Release   Release
	Needs     []Release // that must be ready before
	Wave      int       // place among the charts of the phase, from 0; equal for those that need not wait for each other
	Prune     bool      // Argo CD deletes objects that the chart no longer has; never where CRDs are among them
	Waits     []Wait    // besides the readiness of its pods
	Rewritten []Rewritten
	Later     From // why nobody may wait for all of it: a Service of it has no address before a later phase; nil where all of it becomes ready
}

// Wait is a condition of an object without which what follows would fail.
type Wait struct {
	Namespace string // "" for cluster-scoped objects
	Object    string // "certificate.cert-manager.io/public"
	For       string // as kubectl wait takes it: "condition=Ready"
	From      From
}

// Rewritten names fields of an object of a chart that a controller writes: they differ from the chart for good.
type Rewritten struct {
	Group, Kind, Name string
	Fields            []string // jq paths
	Pointers          []string // JSON pointers to what holds them: those know no "every element"
	From              From
}
