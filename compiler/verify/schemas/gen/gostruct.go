package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// structs reads schemas off Go types, for what has no schema of its own: configuration files of Kubernetes' programs
// and messages of protocol buffers. It reads source text only, nothing is type-checked.
type structs struct {
	module   func(importPath string) (dir string, err error)
	packages map[string]*goPackage
	doing    map[string]bool // types being read, to stop at recursion
}

type goPackage struct {
	types  map[string]typeDecl
	oneOfs map[string][]string // interface → wrapper structs of a protobuf oneof
	enums  map[string][]any    // protobuf enum → names of its values
}

type typeDecl struct {
	expr    ast.Expr
	imports map[string]string // name in the file → import path
}

// leaves are types that marshal themselves, by package path and name. Nil is anything.
var leaves = map[string]map[string]any{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":        {"type": "string", "format": "go-duration"},
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":            {"type": []any{"string", "null"}, "format": "date-time"},
	"k8s.io/component-base/logs/api/v1.TimeOrMetaDuration": {"type": []any{"string", "integer"}},
	"k8s.io/apimachinery/pkg/api/resource.Quantity":        {"type": []any{"string", "number"}, "format": "quantity"},
	"k8s.io/apimachinery/pkg/api/resource.QuantityValue":   {"type": []any{"string", "number"}, "format": "quantity"},
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString":      {"type": []any{"integer", "string"}},
}

// wellKnown are the types of protocol buffers whose JSON is not that of their fields, by the last two parts of their
// path: the import path has moved twice.
var wellKnown = map[string]map[string]any{
	"duration.Duration": {"type": "string", "format": "proto-duration"}, "durationpb.Duration": {"type": "string", "format": "proto-duration"},
	"struct.Struct": {"type": "object"}, "structpb.Struct": {"type": "object"}, "struct.Value": {}, "structpb.Value": {},
	"timestamp.Timestamp": {"type": "string", "format": "date-time"}, "timestamppb.Timestamp": {"type": "string", "format": "date-time"},
	"wrappers.BoolValue": {"type": []any{"boolean", "null"}}, "wrapperspb.BoolValue": {"type": []any{"boolean", "null"}},
	"wrappers.StringValue": {"type": []any{"string", "null"}}, "wrapperspb.StringValue": {"type": []any{"string", "null"}},
	"wrappers.Int32Value": {"type": []any{"integer", "null"}}, "wrapperspb.Int32Value": {"type": []any{"integer", "null"}},
	"wrappers.UInt32Value": {"type": []any{"integer", "null"}}, "wrapperspb.UInt32Value": {"type": []any{"integer", "null"}},
	"wrappers.Int64Value": {"type": []any{"integer", "string", "null"}}, "wrapperspb.Int64Value": {"type": []any{"integer", "string", "null"}},
	"wrappers.UInt64Value": {"type": []any{"integer", "string", "null"}}, "wrapperspb.UInt64Value": {"type": []any{"integer", "string", "null"}},
	"wrappers.DoubleValue": {"type": []any{"number", "null"}}, "wrapperspb.DoubleValue": {"type": []any{"number", "null"}},
	"wrappers.FloatValue": {"type": []any{"number", "null"}}, "wrapperspb.FloatValue": {"type": []any{"number", "null"}},
}

var builtins = map[string]map[string]any{
	"bool": {"type": "boolean"}, "string": {"type": "string"}, "float32": {"type": "number"}, "float64": {"type": "number"},
	"int": {"type": "integer"}, "int32": {"type": "integer", "minimum": -1 << 31, "maximum": 1<<31 - 1}, "int64": {"type": "integer"},
	"uint": {"type": "integer", "minimum": 0}, "uint16": {"type": "integer", "minimum": 0, "maximum": 65535},
	"uint32": {"type": "integer", "minimum": 0, "maximum": 1<<32 - 1}, "uint64": {"type": "integer", "minimum": 0},
	"any": {}, "byte": {"type": "integer"},
}

// named returns the schema of a type of a package.
func (s *structs) named(path, name string) (map[string]any, error) {
	key := path + "." + name
	if leaf, ok := leaves[key]; ok {
		return leaf, nil
	}
	if leaf, ok := wellKnown[key[strings.LastIndexByte(key, '/')+1:]]; ok && strings.Contains(path, "protobuf") {
		return leaf, nil
	}
	if s.doing[key] {
		return map[string]any{}, nil // a type inside itself: open from there on
	}
	s.doing[key] = true
	defer delete(s.doing, key)
	p, err := s.load(path)
	if err != nil {
		return nil, err
	}
	d, ok := p.types[name]
	if !ok {
		return nil, fmt.Errorf("no type %s", key)
	}
	if values, ok := p.enums[name]; ok {
		return map[string]any{"enum": values}, nil
	}
	out, err := s.expr(path, d, d.expr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

func (s *structs) expr(path string, d typeDecl, e ast.Expr) (map[string]any, error) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return s.expr(path, d, e.X)
	case *ast.Ident:
		if b, ok := builtins[e.Name]; ok {
			return b, nil
		}
		return s.named(path, e.Name)
	case *ast.SelectorExpr:
		pkg := d.imports[e.X.(*ast.Ident).Name]
		return s.named(pkg, e.Sel.Name)
	case *ast.ArrayType:
		if id, ok := e.Elt.(*ast.Ident); ok && id.Name == "byte" {
			return map[string]any{"type": "string"}, nil
		}
		items, err := s.expr(path, d, e.Elt)
		return map[string]any{"type": []any{"array", "null"}, "items": items}, err
	case *ast.MapType:
		value, err := s.expr(path, d, e.Value)
		return map[string]any{"type": []any{"object", "null"}, "additionalProperties": value}, err
	case *ast.InterfaceType:
		return map[string]any{}, nil
	case *ast.StructType:
		properties := map[string]any{}
		if err := s.fields(path, d, e, properties); err != nil {
			return nil, err
		}
		return map[string]any{"type": []any{"object", "null"}, "properties": properties, "additionalProperties": false}, nil
	}
	return nil, fmt.Errorf("a type that gen does not read: %T", e)
}

func (s *structs) fields(path string, d typeDecl, st *ast.StructType, properties map[string]any) error {
	for _, f := range st.Fields.List {
		var tag reflect.StructTag
		if f.Tag != nil {
			text, err := strconv.Unquote(f.Tag.Value)
			if err != nil {
				return err
			}
			tag = reflect.StructTag(text)
		}
		if tag.Get("protobuf_oneof") != "" {
			if err := s.oneOf(path, f.Type.(*ast.Ident).Name, properties); err != nil {
				return err
			}
			continue
		}
		name, options, _ := strings.Cut(tag.Get("json"), ",")
		for part := range strings.SplitSeq(tag.Get("protobuf"), ",") {
			if proto, ok := strings.CutPrefix(part, "name="); ok {
				name = proto
			}
			if json, ok := strings.CutPrefix(part, "json="); ok {
				name = json
			}
		}
		switch {
		case strings.Contains(options, "inline") || len(f.Names) == 0 && name == "":
			if err := s.inline(path, d, f.Type, properties); err != nil {
				return err
			}
			continue
		case name == "-" || name == "" || !f.Names[0].IsExported():
			continue
		}
		sub, err := s.expr(path, d, f.Type)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		properties[name] = sub
	}
	return nil
}

func (s *structs) inline(path string, d typeDecl, e ast.Expr, properties map[string]any) error {
	sub, err := s.expr(path, d, e)
	if err != nil {
		return err
	}
	fields, _ := sub["properties"].(map[string]any)
	for name, f := range fields {
		properties[name] = f
	}
	return nil
}

// oneOf adds the fields of every wrapper of a protobuf oneof: JSON holds the chosen one beside the other fields.
func (s *structs) oneOf(path, iface string, properties map[string]any) error {
	p, err := s.load(path)
	if err != nil {
		return err
	}
	for _, wrapper := range p.oneOfs[iface] {
		d := p.types[wrapper]
		if err := s.fields(path, d, d.expr.(*ast.StructType), properties); err != nil {
			return err
		}
	}
	return nil
}

// load parses the files of a package but its tests.
func (s *structs) load(path string) (*goPackage, error) {
	if p, ok := s.packages[path]; ok {
		return p, nil
	}
	dir, err := s.module(path)
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	p := &goPackage{types: map[string]typeDecl{}, oneOfs: map[string][]string{}, enums: map[string][]any{}}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, f.Name()), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.read(parsed)
	}
	s.packages[path] = p
	return p, nil
}

func (p *goPackage) read(f *ast.File) {
	imports := map[string]string{}
	for _, i := range f.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		imports[name] = path
	}
	for _, decl := range f.Decls {
		switch decl := decl.(type) {
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					p.types[spec.Name.Name] = typeDecl{spec.Type, imports}
				case *ast.ValueSpec:
					p.enum(spec)
				}
			}
		case *ast.FuncDecl: // func (*Wrapper) isInterface() {}
			if decl.Recv == nil || !strings.HasPrefix(decl.Name.Name, "is") || len(decl.Body.List) > 0 {
				continue
			}
			if star, ok := decl.Recv.List[0].Type.(*ast.StarExpr); ok {
				p.oneOfs[decl.Name.Name] = append(p.oneOfs[decl.Name.Name], star.X.(*ast.Ident).Name)
			}
		}
	}
}

// enum reads the table that protobuf's generator writes beside an enum: X_name = map[int32]string{0: "A", …}.
func (p *goPackage) enum(v *ast.ValueSpec) {
	name, ok := strings.CutSuffix(v.Names[0].Name, "_name")
	if !ok || len(v.Values) != 1 {
		return
	}
	table, ok := v.Values[0].(*ast.CompositeLit)
	if !ok {
		return
	}
	for _, e := range table.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if lit, ok := kv.Value.(*ast.BasicLit); ok {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					p.enums[name] = append(p.enums[name], text)
				}
			}
		}
	}
}
