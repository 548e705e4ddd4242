// Package verify reads an emitted tree back and trusts nothing of what made it.
//
// In comes an artifact.Tree and the releases that the site declares; out go findings and the numbers of what was read.
// Every file is claimed by one verifier, by its path; a file that none claims is an error. Objects are held against the
// schemas of the declared releases, then against what the API server and the controllers check beyond schemas, then
// against each other: names, references, labels of nodes. Kustomizations are built. Chart values are held against the
// keys that the chart knows. Files of lines (sysctl, chrony, switches) are parsed by grammars of their own, and the two
// ends of each BGP session are compared.
//
// Nothing here shares code with the backends: an error made there must not be repeated here.
package verify

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/parallel"
)

// Releases is what the site declares, and what the tree may refer to besides itself.
type Releases struct {
	Site              string            // the site's name
	Kubernetes        string            // "1.35.2"
	GatewayAPI        string            // "1.6.3"; empty when the cluster has none
	GatewayAPIChannel string            // "standard" or "experimental"; empty is standard
	Registry          *Registry         // of images and charts; nil: upstream's
	Components        map[string]string // component → release: "istio": "1.31.1"; an empty release is the newest known one
	Charts            map[string]Chart  // Helm release → chart; each needs a folder charts/<site>/<release>
	Upgrade           *Upgrade          // nil: none by steps is under way

	// Chrony is the release of chrony on the machines of a folder hosts/<site>/<folder>; the oldest known where it says nothing.
	Chrony map[string]string

	// PluginCA says that the control plane of Istio has an intermediate of somebody else's.
	PluginCA bool
	// SPIRE says that SPIRE's agents sign for workloads of Istio.
	SPIRE bool
	// Proved are the namespaces to whose services agents of Cilium let no pod of another one that they have not authenticated, sorted.
	Proved []string
	// TrustDomain is that of the mesh.
	TrustDomain string
	// VaultCA says that Vault signs for proxies of Consul.
	VaultCA bool

	// LateSecrets are those that can be made when another site runs, as "namespace/name": nothing waits for them.
	LateSecrets []string

	// Patches are the site's own, in the order in which they are applied.
	Patches []Patch

	// Peers are the other sites of the federation, by name, with their trust domains.
	Peers map[string]string

	// PeerPods are the networks of pods of those that are reached without a gateway, by name.
	PeerPods map[string][]string

	// NodePorts is the API server's range ("30000-32767"), which is also the default.
	NodePorts string

	// Nearest holds releases of which nothing is known against the newest that is: somebody vouches for them.
	Nearest bool

	// SkipBuild leaves out the build by kustomize, which for a fleet would cost more than all else: overlays of equal
	// kustomizations need one build. The structure of kustomizations is checked always.
	SkipBuild bool

	// ExternalNamespaces are made by others: what meshgen only relies on, and kube-system.
	ExternalNamespaces []string
}

// nodePorts returns the bounds of NodePorts.
func (r Releases) nodePorts() (low, high int64) {
	from, to, _ := strings.Cut(r.NodePorts, "-")
	low, errLow := strconv.ParseInt(from, 10, 64)
	high, errHigh := strconv.ParseInt(to, 10, 64)
	if errLow != nil || errHigh != nil {
		return 30000, 32767 // kube-apiserver's --service-node-port-range
	}
	return low, high
}

// Upgrade is what the site declares of an upgrade by steps.
type Upgrade struct {
	Steps  []string         // names, in order
	Charts map[string]Chart // Helm release → chart, at the version that the upgrade leads to
	Values map[string]Chart // folder below charts/<site>/upgrade → the chart that its values are for

	Components map[string]string // component → the release that the upgrade leads to; its kinds take the tree's objects too
}

// Chart is what a Helm release installs.
type Chart struct {
	Name       string // "istiod"
	Repository string
	Version    string // "1.31.1"
	Namespace  string // of the release
	Patches    []Patch
}

// Patch is a change of the site's own: of an object of the tree, or of one that a chart makes.
type Patch struct {
	Kind, Name string
	Text       string // strategic merge or JSON patch, in YAML
	At         string // where it stands in the site
}

// Report says what was read.
type Report struct {
	Counts  []Count     // by verifier, sorted by name
	Secrets []SecretRef // every Secret that an object refers to, sorted, each once
}

// Count is one row of the table of what was read.
type Count struct {
	Verifier string
	Files    int
	Objects  int // Kubernetes objects; 0 for other formats
}

// SecretRef is a Secret that must exist in the cluster before the object that names it works.
type SecretRef struct {
	Namespace, Name string
	Keys            []string // that are read; empty when the reader decides
	By              string   // "BGPPeer metallb-system/r1-a"
	MadeBy          string   // the object of the tree that a controller makes it from; empty when somebody must bring it
	First           bool     // the pod network reads it: nothing that runs in pods can make it
	Late            bool     // it can be made when another site runs: nothing may wait for it
}

// Tree verifies a tree. The findings are errors, each a bug of meshgen; they come sorted.
func Tree(t *artifact.Tree, rel Releases) (Report, diag.List) {
	p := newPass(t, rel)
	overlay := "kubernetes/overlays/" + rel.Site
	t.Files() // puts them in order, before several goroutines ask for them
	built := make(chan build, 1)
	if !rel.SkipBuild {
		go func() { built <- buildOverlay(t, overlay) }() // takes half as long as all else
	}
	p.read()
	p.wholeTree()
	p.checkPatches()
	if !rel.SkipBuild {
		p.checkBuild(overlay, <-built)
	}
	return p.summary(), p.found.Sorted()
}

func newPass(t *artifact.Tree, rel Releases) *pass {
	return &pass{
		tree: t, releases: rel,
		values: map[string]*values{}, upgradeValues: map[string]*values{}, kustomizations: map[string]*kustomization{}, counts: map[string]*Count{},
	}
}

// read gives each file to the verifier that claims it.
func (p *pass) read() {
	files := p.tree.Files()
	parallel.Do(func() { p.readFiles(files) }, p.ahead(files))
	p.streams = nil
	p.carryHostPods()
	p.readCarried()
}

func (p *pass) readFiles(files []*artifact.File) {
	for _, f := range files {
		v, ok := claim(f.Path())
		if !ok {
			p.report(f, 0, ruleUnclaimed, "no verifier reads files of this path")
			continue
		}
		p.count(v.name).Files++
		if g := p.patched[f.Path()]; g != nil {
			f = g
		}
		v.check(f, p)
	}
}

// wholeTree runs the checks that need every file to be read: those of objects for themselves, and those of all together.
func (p *pass) wholeTree() {
	kinds := p.kinds()
	alone := *p
	alone.found = nil
	parallel.Do(p.checkTogether, func() {
		for _, k := range kinds {
			k.violations, k.err = k.validate()
		}
		for _, o := range p.objects {
			alone.checkObject(o)
		}
	})
	p.reportKinds(kinds)
	p.checkNextKinds(kinds)
	p.found = append(p.found, alone.found...)
}

// checkTogether runs the checks that hold files and objects against each other.
func (p *pass) checkTogether() {
	p.checkUnique()
	p.checkReferences()
	p.checkCharts()
	p.checkMetalLB()
	p.checkOpenELB()
	p.checkAmbient()
	p.checkSigner()
	p.checkSPIRE()
	p.checkLinkerd()
	p.checkCiliumMesh()
	p.checkConsul()
	p.checkRegistry()
	p.checkKustomizations()
	p.checkMarks()
	p.checkObservability()
	for _, check := range lineTreeChecks {
		check(p)
	}
	p.secretRefs = p.secrets()
	p.checkSecretsContract(p.secretRefs)
	p.checkDocuments()
	p.checkPage()
	p.checkDelivery()
	p.checkUpgrade()
	p.checkStaged()
}

func (p *pass) count(name string) *Count {
	c := p.counts[name]
	if c == nil {
		c = &Count{Verifier: name}
		p.counts[name] = c
	}
	return c
}

func (p *pass) summary() Report {
	var r Report
	for _, c := range p.counts {
		r.Counts = append(r.Counts, *c)
	}
	slices.SortFunc(r.Counts, func(a, b Count) int { return cmp.Compare(a.Verifier, b.Verifier) })
	r.Secrets = p.secretRefs
	return r
}
