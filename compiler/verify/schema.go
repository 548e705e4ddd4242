package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"meshgen.dev/meshgen/compiler/verify/schemas"
)

// checkSchemas holds every object against the schema of its kind in the declared release.
func (p *pass) checkSchemas() {
	kinds := p.kinds()
	for _, k := range kinds {
		k.violations, k.err = k.validate()
	}
	p.reportKinds(kinds)
	p.checkNextKinds(kinds)
}

// kindOfObjects is the objects of one kind, with their schema, and what that has against each of them.
type kindOfObjects struct {
	objects    []*object
	of         schemaOf
	schema     any
	violations [][]violation
	err        error
}

// kinds finds the schemas of all objects. What is said of an object by its schema is known after that.
func (p *pass) kinds() []*kindOfObjects {
	sets, err := schemas.Index()
	if err != nil {
		p.internal(err)
		return nil
	}
	type use struct {
		gvk     string
		partial bool
	}
	byKind := map[use]*kindOfObjects{}
	var all []*kindOfObjects
	for _, o := range p.objects {
		u := use{o.apiVersion + "/" + o.kind, o.partial}
		if byKind[u] == nil {
			byKind[u] = &kindOfObjects{of: schemaOf{entry: u.gvk, loose: u.partial}}
			all = append(all, byKind[u])
		}
		byKind[u].objects = append(byKind[u].objects, o)
	}
	return slices.DeleteFunc(all, func(k *kindOfObjects) bool {
		entry, from, ok := p.lookup(sets, k.of.entry, k.objects)
		if !ok {
			return true
		}
		k.of.archive, k.schema = from.File, entry.Schema
		for _, o := range k.objects {
			o.namespaced, o.hasScope = entry.Namespaced, o.within == nil
		}
		return false
	})
}

// validate returns what the schema has against each of the objects.
func (k *kindOfObjects) validate() ([][]violation, error) {
	instances := make([]any, len(k.objects))
	for i, o := range k.objects {
		instances[i] = o.value
	}
	return violations(k.of, k.schema, instances)
}

func (p *pass) reportKinds(kinds []*kindOfObjects) {
	for _, k := range kinds {
		if k.err != nil {
			p.internal(k.err)
			continue
		}
		for i, found := range k.violations {
			for _, v := range found {
				k.objects[i].report(p, ruleSchema, v.path, "%s", v.text)
			}
		}
	}
}

// internal reports a fault of the embedded data; a test reads all of it, so that no build sees one.
func (p *pass) internal(err error) {
	for _, f := range p.tree.Files() {
		p.report(f, 0, ruleNoSchema, "%v", err)
		return
	}
}

// lookup finds the schema of a kind, and the set that it is of. Where there is none, it says why at the first object.
func (p *pass) lookup(sets []*schemas.Set, gvk string, objects []*object) (schemas.Entry, *schemas.Set, bool) {
	o := objects[0]
	at := fieldPath{"apiVersion"}
	component := p.componentOf(sets, o.group, gvk)
	release, channel, declared := p.releases.of(component)
	switch {
	case component == "":
		o.report(p, ruleNoSchema, at, "no component that meshgen knows serves the group %q", o.group)
		return schemas.Entry{}, nil, false
	case !declared:
		o.report(p, ruleNoSchema, at, "the kind is of %s, which the site does not declare", component)
		return schemas.Entry{}, nil, false
	}
	set, ok := p.schemas(sets, component, release, channel)
	if !ok {
		o.report(p, ruleNoSchema, at, "there is no schema for %s %s; known: %s", component, strings.TrimSpace(release+" "+channel), known(sets, component))
		return schemas.Entry{}, nil, false
	}
	entry, ok, err := set.Entry(gvk)
	switch {
	case err != nil:
		p.internal(err)
		return schemas.Entry{}, nil, false
	case !ok:
		o.report(p, ruleNoSchema, at, "%s %s does not serve %s", component, strings.TrimSpace(release+" "+channel), gvk)
		return schemas.Entry{}, nil, false
	}
	return entry, set, true
}

// schemas finds what is known of a release; of one that a team has added, what is known of the newest.
func (p *pass) schemas(sets []*schemas.Set, component, release, channel string) (*schemas.Set, bool) {
	set, ok := schemas.Find(sets, component, release, channel)
	if !ok && p.releases.Nearest {
		return schemas.Find(sets, component, "", channel)
	}
	return set, ok
}

// componentOf returns who serves a kind, or nothing. Of several that serve its API group it is one that the site declares,
// and of these one that has the kind.
func (p *pass) componentOf(sets []*schemas.Set, group, gvk string) string {
	component, known := "", false
	for _, s := range sets {
		if !slices.Contains(s.Groups, group) {
			continue
		}
		_, _, declared := p.releases.of(s.Component)
		if _, has, _ := s.Entry(gvk); declared && has {
			return s.Component
		}
		if component == "" || declared && !known {
			component, known = s.Component, declared
		}
	}
	return component
}

// of returns the declared release of a component.
func (r Releases) of(component string) (release, channel string, declared bool) {
	switch component {
	case "kubernetes":
		return r.Kubernetes, "", r.Kubernetes != ""
	case "gateway-api":
		channel = r.GatewayAPIChannel
		if channel == "" {
			channel = "standard"
		}
		return r.GatewayAPI, channel, r.GatewayAPI != ""
	}
	release, declared = r.Components[component]
	return release, "", declared
}

func known(sets []*schemas.Set, component string) string {
	var out []string
	for _, s := range sets {
		if s.Component == component {
			out = append(out, strings.TrimSpace(s.Release+" "+s.Channel))
		}
	}
	return strings.Join(out, ", ")
}

// schemaOf names a schema: the archive and its entry, and whether fields may be missing that it asks for.
type schemaOf struct {
	archive, entry string
	loose          bool
}

// violations validates instances against one schema. The result has an element for each instance.
func violations(of schemaOf, schema any, instances []any) ([][]violation, error) {
	s, err := compiledBefore.get(of, schema, instances)
	if err != nil {
		return nil, err
	}
	out := make([][]violation, len(instances))
	for i, instance := range instances {
		out[i] = s.validate(instance)
	}
	return out, nil
}

// compiledSchema is a schema, as it was and ready for use.
type compiledSchema struct {
	text  any
	ready *jsonschema.Schema
}

// validate returns what the schema has against an instance.
func (s *compiledSchema) validate(instance any) []violation {
	var invalid *jsonschema.ValidationError
	if err := s.ready.Validate(instance); errors.As(err, &invalid) {
		return explain(invalid, s.text, instance)
	}
	return nil
}

// compiledBefore are the schemas that were compiled in this process: the sites of a fleet mostly have objects of one shape, and
// compiling is ten times the work of validating.
var compiledBefore compiledSchemas

// mostCompiled bounds what is kept; one takes some 100 KiB. A site needs about thirty.
const mostCompiled = 256

type compiledSchemas struct {
	mu   sync.Mutex
	kept map[pruned]*compiledSchema
}

// pruned names what prune makes of a schema.
type pruned struct {
	of    schemaOf
	shape string
}

// get returns a schema, reduced to what decides about the instances.
func (c *compiledSchemas) get(of schemaOf, schema any, instances []any) (*compiledSchema, error) {
	key := pruned{of, string(appendShape(nil, schema, instances))}
	c.mu.Lock()
	s := c.kept[key]
	c.mu.Unlock()
	if s != nil {
		return s, nil
	}
	schema = prune(schema, instances)
	if of.loose {
		schema = unrequired(schema)
	}
	s, err := compile(of.archive+"/"+of.entry, schema)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil || len(c.kept) == mostCompiled {
		c.kept = map[pruned]*compiledSchema{}
	}
	c.kept[key] = s
	return s, nil
}

// compile prepares a schema. The name only tells schemas apart; without a scheme the library would make a path of the
// working directory from it.
func compile(name string, schema any) (*compiledSchema, error) {
	text, err := json.Marshal(schema)
	if err != nil {
		return nil, err
	}
	ready, err := compileText(name, string(text))
	return &compiledSchema{schema, ready}, err
}

func compileText(name, text string) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft7
	c.AssertFormat = true
	maps.Copy(c.Formats, formats)
	url := "meshgen:///" + name
	if err := c.AddResource(url, strings.NewReader(text)); err != nil {
		return nil, fmt.Errorf("schema of %s: %w", name, err)
	}
	return c.Compile(url)
}
