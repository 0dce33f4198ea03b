package lenstream.core.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Binds a YAML or JSON document to a tree of records and reports every problem at once: unknown keys with the nearest
 * known one, missing keys, wrong types, values that a record's constructor refuses.
 *
 * <p>A key is the component's name in snake case, or what {@link Key} says. A component is optional if it is annotated {@link Default} or
 * {@link Nullable}. Types: {@code String}, {@code boolean}, {@code int}, {@code long}, {@code double}, enums (lower
 * case), {@link Duration}, {@link DataSize}, {@link Count}, {@link Secret}, {@link Path}, records, {@code List} and {@code Map<String,
 * …>} of these. In strings {@code ${NAME:default}} takes the environment variable NAME. Confined to one thread.
 */
public final class ConfigReader {
    private static final Pattern ENVIRONMENT = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)(?::([^}]*))?}");
    private static final ObjectMapper YAML = YAMLMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final UnaryOperator<@Nullable String> environment;
    private final List<String> problems = new ArrayList<>();

    private ConfigReader(UnaryOperator<@Nullable String> environment) {
        this.environment = environment;
    }

    /**
     * Reads a {@code .json} file as JSON and any other as YAML.
     *
     * @throws ConfigException with every problem, or if the file cannot be read
     */
    public static <T extends Record> T read(Path file, Class<T> type) {
        try {
            return parse(file.toString(), Files.readString(file), type);
        } catch (NoSuchFileException e) {
            throw new ConfigException(file.toString(), List.of("there is no such file"));
        } catch (IOException e) {
            throw new ConfigException(file.toString(), List.of("cannot be read: " + e.getMessage()));
        }
    }

    /**
     * Binds a document that is in memory.
     *
     * @param source named in messages; a name that ends in {@code .json} is parsed as JSON
     * @throws ConfigException with every problem
     */
    public static <T extends Record> T parse(String source, String document, Class<T> type) {
        return parse(source, document, type, System::getenv);
    }

    static <T extends Record> T parse(
            String source, String document, Class<T> type, UnaryOperator<@Nullable String> environment) {
        JsonNode root;
        try {
            root = (source.endsWith(".json") ? JSON : YAML).readTree(document);
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw new ConfigException(
                    source, List.of("line " + (at == null ? "?" : at.getLineNr()) + ": " + e.getOriginalMessage()));
        }
        var reader = new ConfigReader(environment);
        Object value = reader.record("", root, type);
        if (!reader.problems.isEmpty() || value == null) {
            throw new ConfigException(source, reader.problems);
        }
        return type.cast(value);
    }

    private @Nullable Object record(String path, @Nullable JsonNode node, Class<?> type) {
        if (node == null || !node.isObject()) {
            return problem(path, "must hold keys, for example " + key(type.getRecordComponents()[0]) + ":");
        }
        var components = new LinkedHashMap<String, RecordComponent>();
        for (RecordComponent component : type.getRecordComponents()) {
            components.put(key(component), component);
        }
        int before = problems.size();
        node.fieldNames().forEachRemaining(key -> {
            if (!components.containsKey(key)) {
                problem(join(path, key), "is not known" + Nearest.suggestion(key, List.copyOf(components.keySet())));
            }
        });
        var values = new ArrayList<@Nullable Object>();
        components.forEach((key, component) -> values.add(component(join(path, key), node.get(key), component)));
        if (problems.size() > before) {
            return null;
        }
        return construct(path, type, values);
    }

    private @Nullable Object component(String path, @Nullable JsonNode node, RecordComponent component) {
        JsonNode value = node;
        if (value == null || value.isNull()) {
            Default fallback = component.getAnnotation(Default.class);
            if (fallback == null) {
                boolean optional = component.getAnnotatedType().isAnnotationPresent(Nullable.class);
                return optional ? null : problem(path, "is missing");
            }
            try {
                value = YAML.readTree(fallback.value());
            } catch (JsonProcessingException e) {
                throw new IllegalStateException("default of " + path, e);
            }
        }
        return value(path, value, component.getGenericType());
    }

    private @Nullable Object value(String path, JsonNode node, Type type) {
        if (type instanceof ParameterizedType generic) {
            return generic.getRawType() == Map.class
                    ? map(path, node, generic.getActualTypeArguments()[1])
                    : list(path, node, generic.getActualTypeArguments()[0]);
        }
        var plain = (Class<?>) type;
        if (plain.isRecord() && plain != DataSize.class && plain != Count.class && plain != Secret.class) {
            return record(path, node, plain);
        }
        if (!node.isValueNode()) {
            return problem(path, "must be a single value");
        }
        try {
            return scalar(node, plain);
        } catch (IllegalArgumentException e) {
            String why = e instanceof NumberFormatException
                    ? "must be a number, not \"" + node.asText() + "\""
                    : e.getMessage();
            return problem(path, why == null ? "cannot be used" : why);
        }
    }

    private @Nullable Object list(String path, JsonNode node, Type element) {
        if (!node.isArray()) {
            return problem(path, "must be a list, for example [a, b]");
        }
        var values = new ArrayList<Object>();
        for (int i = 0; i < node.size(); i++) {
            Object value = value(path + "[" + i + "]", node.get(i), element);
            if (value != null) {
                values.add(value);
            }
        }
        return List.copyOf(values);
    }

    private @Nullable Object map(String path, JsonNode node, Type element) {
        if (!node.isObject()) {
            return problem(path, "must hold keys");
        }
        var values = new LinkedHashMap<String, Object>();
        node.properties().forEach(entry -> {
            Object value = value(join(path, entry.getKey()), entry.getValue(), element);
            if (value != null) {
                values.put(entry.getKey(), value);
            }
        });
        return Map.copyOf(values);
    }

    private Object scalar(JsonNode node, Class<?> type) {
        String text = node.isTextual() ? substitute(node.asText()) : node.asText();
        if (type == String.class) {
            return text;
        } else if (type == boolean.class || type == Boolean.class) {
            return switch (text) {
                case "true" -> true;
                case "false" -> false;
                default -> throw new IllegalArgumentException("must be true or false, not \"" + text + "\"");
            };
        } else if (type == int.class || type == Integer.class) {
            return Integer.parseInt(text);
        } else if (type == long.class || type == Long.class) {
            return Long.parseLong(text);
        } else if (type == double.class || type == Double.class) {
            return Double.parseDouble(text);
        } else if (type == Duration.class) {
            return Durations.parse(text);
        } else if (type == DataSize.class) {
            return DataSize.parse(text);
        } else if (type == Count.class) {
            return Count.parse(text);
        } else if (type == Secret.class) {
            return new Secret(text);
        } else if (type == Path.class) {
            return Path.of(text);
        } else if (type.isEnum()) {
            for (Object constant : type.getEnumConstants()) {
                if (((Enum<?>) constant).name().equalsIgnoreCase(text.replace('-', '_'))
                        || constant.toString().equalsIgnoreCase(text)) {
                    return constant;
                }
            }
            String known = String.join(
                    ", ",
                    Arrays.stream(type.getEnumConstants())
                            .map(c -> c.toString().toLowerCase(Locale.ROOT))
                            .toList());
            throw new IllegalArgumentException("must be one of " + known + ", not \"" + text + "\"");
        }
        throw new IllegalStateException("no binding for " + type);
    }

    private String substitute(String text) {
        return ENVIRONMENT.matcher(text).replaceAll(match -> {
            String value = environment.apply(match.group(1));
            if (value == null) {
                value = match.group(2);
            }
            if (value == null) {
                throw new IllegalArgumentException("the environment variable " + match.group(1) + " is not set");
            }
            return Matcher.quoteReplacement(value);
        });
    }

    private @Nullable Object construct(String path, Class<?> type, List<@Nullable Object> values) {
        try {
            var types = Arrays.stream(type.getRecordComponents())
                    .map(RecordComponent::getType)
                    .toArray(Class<?>[]::new);
            var constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values.toArray());
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof IllegalArgumentException refused && refused.getMessage() != null) {
                return problem(path, refused.getMessage());
            }
            throw new IllegalStateException("constructing " + type, e.getCause());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("constructing " + type, e);
        }
    }

    private @Nullable Object problem(String path, String what) {
        problems.add(path.isEmpty() ? what : path + ": " + what);
        return null;
    }

    private static String join(String path, String key) {
        return path.isEmpty() ? key : path + "." + key;
    }

    /** The key of a component: its name in snake case, with digits kept with the letters before them. */
    private static String key(RecordComponent component) {
        Key named = component.getAnnotation(Key.class);
        return named != null
                ? named.value()
                : component.getName().replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
    }
}
