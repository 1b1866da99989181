import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.stream.Collectors;

/** Asks with the client that comes with the JDK, which offers h2c with its first request. */
public class Ask {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int at = 1; at < arguments.length; at++) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(arguments[0]))
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer any")
                .POST(HttpRequest.BodyPublishers.ofString(arguments[at]))
                .build();
            var answer = client.send(request, HttpResponse.BodyHandlers.ofLines());
            String body = answer.body().collect(Collectors.joining("|"));
            System.out.println(answer.statusCode() + " " + answer.version() + " " + body);
        }
    }
}
