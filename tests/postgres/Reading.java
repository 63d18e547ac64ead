import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;

/** What a tool with JDBC does first: list the tables it may read and their columns, then read each value. */
class Reading {
    public static void main(String[] address) throws Exception {
        try (Connection database = DriverManager.getConnection(address[0])) {
            database.setReadOnly(true);
            database.setAutoCommit(false);
            DatabaseMetaData catalog = database.getMetaData();
            String[] kinds = {"TABLE", "PARTITIONED TABLE", "VIEW", "FOREIGN TABLE", "MATERIALIZED VIEW"};
            List<String> names = new ArrayList<>();
            try (ResultSet tables = catalog.getTables(null, null, "%", kinds)) {
                while (tables.next()) {
                    if (!tables.getString("TABLE_SCHEM").equals("information_schema")) {
                        names.add(tables.getString("TABLE_SCHEM") + "." + tables.getString("TABLE_NAME"));
                    }
                }
            }
            names.removeIf(name -> !readable(database, name));
            for (String name : names) {
                System.out.println(name + " " + columns(catalog, name) + " " + rows(database, name));
            }
        }
    }

    /** The driver lists all there is; tools then ask for the rights, as Metabase does. */
    static boolean readable(Connection database, String name) {
        String question =
            "SELECT has_schema_privilege(split_part(?, '.', 1), 'USAGE') AND has_table_privilege(?, 'SELECT')";
        try (var statement = database.prepareStatement(question)) {
            statement.setString(1, name);
            statement.setString(2, name);
            try (ResultSet answer = statement.executeQuery()) {
                return answer.next() && answer.getBoolean(1);
            }
        } catch (java.sql.SQLException broken) {
            throw new IllegalStateException(broken);
        }
    }

    static int columns(DatabaseMetaData catalog, String name) throws Exception {
        String[] parts = name.split("\\.");
        int found = 0;
        try (ResultSet columns = catalog.getColumns(null, parts[0], parts[1], "%")) {
            while (columns.next()) {
                found++;
            }
        }
        return found;
    }

    static int rows(Connection database, String name) throws Exception {
        int found = 0;
        try (var statement = database.createStatement()) {
            statement.setFetchSize(50);
            try (ResultSet rows = statement.executeQuery("SELECT * FROM " + name)) {
                var header = rows.getMetaData();
                while (rows.next()) {
                    found++;
                    for (int column = 1; column <= header.getColumnCount(); column++) {
                        Object value = rows.getObject(column);
                        if (value instanceof Array list) {
                            list.getArray();
                        } else if (header.getColumnTypeName(column).equals("timestamptz")) {
                            rows.getObject(column, OffsetDateTime.class);
                        }
                    }
                }
            }
        }
        return found;
    }
}
