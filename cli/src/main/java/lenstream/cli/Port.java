package lenstream.cli;

import lenstream.core.config.Check;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A port as it is written on a command line: 0, for a free one, to 65535. */
final class Port implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String value) {
        try {
            int port = Integer.parseInt(value);
            Check.range("port", port, 0, 65_535);
            return port;
        } catch (IllegalArgumentException e) {
            throw new TypeConversionException("\"" + value + "\" is no port, which is a number from 0 to 65535");
        }
    }
}
