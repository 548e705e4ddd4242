package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// Model is what a tree says, ready to be asked.
type Model struct {
	world      World
	mesh       meshValues
	root       string // namespace of mesh-wide objects
	namespaces map[string]map[string]string
	network    []networkPolicy
	peers      []peerAuthentication
	authz      []authorizationPolicy
	tokens     []requestAuthentication
	sidecars   []sidecar
	entries    []serviceEntry
	machines   []workloadEntry
	slices     []endpointSlice
	services   []kubeService // of objects; those of workloads are not in the tree
	virtual    []virtualService
	rules      []destinationRule
	gateways   []gateway
	apiGates   []apiGateway
	routes     []httpRoute
	config     map[string]map[string]string // data of ConfigMaps by "namespace/name"
	releases   map[string]gatewayValues     // values of gateways' charts by path

	linkerd  *Linkerd          // nil: not asked
	consul   *Consul           // nil: not asked
	injected map[string]string // what the annotation of a namespace tells Linkerd

	cilium        []ciliumPolicy
	envoys        []ciliumEnvoy
	ciliumClients []ciliumPolicy          // of all gateways
	ciliumClasses map[string]ciliumClass  // by name
	ciliumConfigs map[string]serviceFacts // parameters of classes by "namespace/name"
	shakesHands   bool                    // agents authenticate pods for each other
}

// meta is the object that a specification was read from.
type meta struct {
	Object
	node *yaml.Node
}

// at returns the object with the line of what a path names below it.
func (m meta) at(path ...any) Object {
	o, n := m.Object, m.node
	for _, step := range path {
		n = child(n, step)
		if n == nil {
			break
		}
		o.Line = n.Line
	}
	return o
}

func child(n *yaml.Node, step any) *yaml.Node {
	switch s := step.(type) {
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
			if n.Content[i].Value == s {
				return n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && s < len(n.Content) {
			return n.Content[s]
		}
	}
	return nil
}

// head is what every object has.
type head struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec json.RawMessage   `json:"spec"`
	Data map[string]string `json:"data"`
}

// Read reads the objects of a tree. The error names the file and line of each thing that is not understood.
func Read(t *artifact.Tree, world World) (*Model, error) {
	m := &Model{world: world, namespaces: map[string]map[string]string{}, config: map[string]map[string]string{}, releases: map[string]gatewayValues{}, injected: map[string]string{},
		ciliumClasses: map[string]ciliumClass{}, ciliumConfigs: map[string]serviceFacts{}}
	var errs []error
	for _, f := range t.Files() {
		if !delivered(f.Path()) {
			continue
		}
		read := m.object
		if path.Base(f.Path()) == "kustomization.yaml" {
			read = kustomization
		}
		if err := documents(f, read); err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, m.readValues(t), m.readMeshes(t), m.readCilium(t), m.ztunnelUnderstood())
	return m, errors.Join(errs...)
}

// delivered reports whether a file holds objects that reach the cluster with the tree: those of folders below the phases
// are for people to apply.
func delivered(name string) bool {
	return strings.HasPrefix(name, "kubernetes/") && path.Ext(name) == ".yaml" && strings.Count(name, "/") <= 4
}

// documents calls read for each YAML document of a file.
func documents(f *artifact.File, read func(meta, head) error) error {
	var errs []error
	for dec := yaml.NewDecoder(bytes.NewReader(f.Bytes())); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return errors.Join(errs...)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path(), err)
		}
		root := doc.Content[0]
		var h head
		err = decode(root, &h, false)
		if err == nil {
			o := Object{h.Kind, h.Metadata.Namespace, h.Metadata.Name, f.Path(), root.Line}
			err = read(meta{o, root}, h)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", f.Path(), root.Line, err))
		}
	}
}

// decode reads a node as encoding/json would read the same document; strict refuses unknown fields.
func decode(n *yaml.Node, into any, strict bool) error {
	var v any
	if err := n.Decode(&v); err != nil {
		return err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return unmarshal(text, into, strict)
}

func unmarshal(text []byte, into any, strict bool) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if strict {
		dec.DisallowUnknownFields()
	}
	return dec.Decode(into)
}

// kustomization refuses what would change objects on their way to the cluster.
func kustomization(o meta, _ head) error {
	var plain struct {
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Resources  []string `json:"resources"`
	}
	return decode(o.node, &plain, true)
}
