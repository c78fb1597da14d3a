// Waits for a job, as the page has it: status 0 when, and only when, it has succeeded.
using System;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Runtime.Serialization;
using System.Runtime.Serialization.Json;
using System.Threading;
using System.Threading.Tasks;

[DataContract]
class Job
{
    [DataMember] public string State = null;
}

static class Wait
{
    static int Main()
    {
        var url = Setting("ORTHANC_URL", "") + "/jobs/" + Setting("JOB_ID", "");
        var period = Seconds("PERIOD", "1"); // between two looks
        var limit = Seconds("TIME_LIMIT", "0");
        var watch = Stopwatch.StartNew();
        using (var client = new HttpClient { Timeout = TimeSpan.FromSeconds(30) })
            while (watch.Elapsed < limit)
            {
                switch (Look(client, url).GetAwaiter().GetResult())
                {
                    case "Success": return 0;
                    case "Failure": return 1;
                    case "gone": return 2;
                }
                Thread.Sleep(period);
            }
        return 3;
    }

    // The state of the job; null where the answer says nothing of it, or nothing answers.
    static async Task<string> Look(HttpClient client, string url)
    {
        try
        {
            using (var answer = await client.GetAsync(url))
            {
                if (answer.StatusCode == HttpStatusCode.NotFound) return "gone";
                if (answer.StatusCode != HttpStatusCode.OK) return null;
                var job = new DataContractJsonSerializer(typeof(Job));
                return ((Job)job.ReadObject(await answer.Content.ReadAsStreamAsync())).State;
            }
        }
        catch (HttpRequestException) { return null; }
        catch (TaskCanceledException) { return null; } // it took too long
        catch (SerializationException) { return null; } // it is not all there
    }

    static string Setting(string name, string otherwise)
    {
        return Environment.GetEnvironmentVariable(name) ?? otherwise;
    }

    static TimeSpan Seconds(string name, string otherwise)
    {
        return TimeSpan.FromSeconds(double.Parse(Setting(name, otherwise), CultureInfo.InvariantCulture));
    }
}
